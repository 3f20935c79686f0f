"""Secrets of many kinds, as they stand in what people paste: (kind, before, the secret, after).

Made up, and put together from pieces, so that no scanner takes this file for a leak.
"""

from __future__ import annotations

from collections.abc import Iterator

HEX = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
MIXED = "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7bC0fR"
UPPER = "Q7RX2MN9KD4TB8VW5YJ3HZ6P"
B64 = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA"
JWT = ".".join(("ey" + "JhbGciOiJIUzI1NiJ9", "ey" + "JzdWIiOiIxMjM0NTY3ODkwIn0", MIXED[:27]))
UUID = "9b2f6c1e-7a4d-4f0b-8c3e-5d6a7b8c9d0e"
KEY_BLOCK = f"{MIXED}{MIXED}\n{MIXED}{MIXED}\n{B64}=="

Case = tuple[str, str, str, str]


def _prefixed() -> Iterator[Case]:
    """Tokens that say themselves what they are."""
    tokens = {
        "anthropic": ["sk-" + f"ant-api03-{MIXED}-{MIXED}AA", "sk-" + f"ant-admin01-{MIXED}"],
        "openai": ["sk-" + f"proj-{MIXED}", "sk-" + MIXED + MIXED[:16]],
        "openrouter": ["sk-" + f"or-v1-{HEX}{HEX}"],
        "aws": ["AKIA" + UPPER[:16], "ASIA" + UPPER[4:20]],
        "github": [
            *(f"gh{kind}_" + MIXED + "abcd" for kind in "pousr"),
            "github_" + f"pat_{MIXED}",
        ],
        "gitlab": ["glpat-" + MIXED[:20], "glrt-" + MIXED[:20], "gldt-" + MIXED[:20]],
        "slack": [
            "xoxb-" + f"2345678901-{MIXED}",
            "xapp-" + f"1-A02-345-{HEX}",
            "xoxe.xoxp-1-" + MIXED,
        ],
        "google": ["AIza" + f"Sy{MIXED}x", "ya29." + f"a0{MIXED}_{MIXED}", "GOCSPX-" + MIXED[:28]],
        "stripe": ["sk_" + f"live_{MIXED}", "rk_" + f"live_{MIXED}", "whsec_" + MIXED],
        "npm": ["npm_" + MIXED + "abcd"],
        "pypi": ["pypi-" + f"AgEIcHlwaS5vcmc{MIXED}"],
        "huggingface": ["hf_" + MIXED + "ab"],
        "sendgrid": ["SG." + f"{MIXED[:22]}.{MIXED}{MIXED[:11]}"],
        "twilio": ["SK" + HEX],
        "mailgun": ["key-" + HEX],
        "digitalocean": ["dop_" + f"v1_{HEX}{HEX}", "doo_" + f"v1_{HEX}{HEX}"],
        "databricks": ["dapi" + HEX],
        "shopify": ["shpat_" + HEX, "shpss_" + HEX],
        "square": ["sq0atp-" + MIXED[:22], "sq0csp-" + MIXED + MIXED[:11]],
        "atlassian": ["ATATT3x" + f"FfGF0{MIXED}{MIXED}=1A2B3C4D"],
        "linear": ["lin_" + f"api_{MIXED}abcdefgh"],
        "notion": ["ntn_" + f"1234567{MIXED}abc"],
        "postman": ["PMAK-" + f"{HEX[:24]}-{HEX}00"],
        "newrelic": ["NRAK-" + UPPER + "A1B"],
        "doppler": ["dp.pt." + MIXED + "abcdefgh"],
        "vault": ["hvs." + MIXED + MIXED, "hvb." + MIXED + MIXED],
        "planetscale": ["pscale_" + f"tkn_{MIXED}", "pscale_" + f"pw_{MIXED}"],
        "supabase": ["sbp_" + HEX + HEX[:8]],
        "grafana": ["glc_" + B64, "glsa_" + f"{MIXED}_{HEX[:8]}"],
        "sentry": ["sntrys_" + f"eyJpYXQiOjE3{MIXED}_{MIXED}", "sntryu_" + HEX + HEX],
        "groq": ["gsk_" + MIXED + MIXED[:20]],
        "replicate": ["r8_" + MIXED + "abcde"],
        "xai": ["xai-" + MIXED + MIXED],
        "perplexity": ["pplx-" + MIXED + MIXED[:16]],
        "terraform": [MIXED[:14] + ".atlasv1." + MIXED + MIXED],
        "flyio": ["FlyV1 " + f"fm2_{MIXED}{MIXED}"],
        "age": ["AGE-" + f"SECRET-KEY-1{UPPER}{UPPER}{UPPER[:10]}"],
        "telegram": ["1234567890:" + f"AA{MIXED}x"],
        "discord": ["MTIz" + f"NDU2Nzg5MDEyMzQ1Njc4.GaBcDe.{MIXED}abcdef"],
        "jwt": [JWT],
        "agnes": ["agnes_" + f"{MIXED}-{HEX}"],
    }
    for kind, found in tokens.items():
        for token in found:
            yield kind, "", token, ""


def _keys() -> Iterator[Case]:
    for name in ("RSA ", "EC ", "OPENSSH ", "", "ENCRYPTED ", "DSA "):
        head, tail = f"-----BEGIN {name}" + "PRIVATE KEY-----", f"-----END {name}PRIVATE KEY-----"
        yield "private-key", "", f"{head}\n{KEY_BLOCK}\n{tail}", ""
    block = "PRIVATE KEY " + "BLOCK-----"
    yield "private-key", "", f"-----BEGIN PGP {block}\n\n{KEY_BLOCK}\n-----END PGP {block}", ""
    yield "kubeconfig", "    client-key-data: ", "LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVkt" + B64, "\n"
    yield "putty", "Private-Lines: 2\n", f"{MIXED}{MIXED}\n{B64}==", "\nPrivate-MAC: " + HEX


def _named() -> Iterator[Case]:
    """What only its name or its place gives away."""
    yield from (
        ("password", *case)
        for case in (
            ("password=", "Tr0ub4dor&3", " "),
            ('{"password": "', "correct horse battery", '"}'),
            ("DB_PASSWORD: ", "s3cr3tpw", "\n"),
            ("export PGPASSWORD='", "it is a secret", "'"),
            ("mysql --password=", "hunter22", " -u root"),
            ("mysql -u root -p", "hunter22x", " db"),
            ("sshpass -p '", "hunter22y", "' ssh me@h"),
            ("sshpass -p ", "hunter22z", " ssh me@h"),
            ("docker login -u me -p ", "dckr2secret", " registry"),
            ("machine h login me password ", "netrcSecret1", "\n"),
            ("Server=db;Uid=sa;Pwd=", "Sql5erver!", ";"),
            ("passphrase: ", "open5esame", "\n"),
            ("my password is ", "hunter22q", "\n"),
            ('{"name": "DB_PASSWORD", "value": "', "k8sValue99", '"}'),
            ("- name: DB_PASSWORD\n  value: ", "k8sValue98", "\n"),
            ("db.example.org:5432:app:me:", "pgpassSecret7", "\n"),
        )
    )
    yield from (
        ("url", *case)
        for case in (
            ("postgres://me:", "s3cretpw", "@db:5432/x"),
            ("redis://:", "r3disPass", "@cache:6379"),
            ("mongodb+srv://u:", "m0ngo%21pw", "@c0.example.org"),
            ("https://x-access-token:", MIXED[:20], "@example.org/o/r.git"),
            ("https://", MIXED[:24], "@example.org/o/r.git"),
            ("amqp://guest:", "r4bbit", "@mq"),
            ("https://b.example.org/x?sv=2022&sig=", B64 + "%3D", "&se=2"),
            ("https://s3.example.org/o?X-Amz-Signature=", HEX + HEX, "&x=1"),
        )
    )
    yield from (
        ("header", *case)
        for case in (
            ("Authorization: Bearer ", MIXED, "\n"),
            ("Authorization: Basic ", "bWU6cGFzc3dvcmQ=", "\n"),
            ("X-Api-Key: ", HEX, "\n"),
            ("X-Vault-Token: ", "s." + MIXED[:24], "\n"),
            ("Cookie: sessionid=", MIXED, "; theme=dark"),
            ("Set-Cookie: sid=", MIXED, "; HttpOnly"),
            ("curl -u me:", "curlSecret5", " https://h"),
            ("curl --user me:", "curlSecret6", " https://h"),
            ("Proxy-Authorization: Basic ", "cHJveHk6cGFzcw==", "\n"),
            ("PRIVATE-TOKEN: ", MIXED[:20], "\n"),
        )
    )
    yield from (
        ("setting", *case)
        for case in (
            ("client_secret=", MIXED, "&x"),
            ("SECRET_KEY = '", "django-insecure-" + MIXED, "'"),
            ("aws_secret_access_key = ", MIXED + "abcd/+12", "\n"),
            ("aws_session_token=", B64 * 3, "\n"),
            ("//registry.example.org/:_authToken=", UUID, "\n"),
            ("_auth=", B64, "\n"),
            ('"auths": {"r.example.org": {"auth": "', B64, '"}}'),
            ("AccountKey=", MIXED * 2 + "ab==", ";EndpointSuffix"),
            ("HEROKU_API_KEY=", UUID, "\n"),
            ("AZURE_CLIENT_SECRET=", "Xx8Q~" + MIXED, "\n"),
            ("DD_API_KEY=", HEX, "\n"),
            ("access_token=", MIXED, "&"),
            ('"refresh_token": "', "1//0g" + MIXED, '"'),
            ("otpauth://totp/me?secret=", "JBSWY3DPEHPK3PXP", "&issuer=x"),
            ("ENCRYPTION_KEY=", HEX, "\n"),
            ("DATABASE_CREDENTIALS=", "me/" + MIXED[:16], "\n"),
        )
    )
    yield from (
        ("webhook", *case)
        for case in (
            ("https://hooks.slack.com/services/", "T0A1B2C3D/B0A1B2C3D/" + MIXED[:24], ""),
            ("https://discord.com/api/webhooks/123456789012345678/", MIXED * 2, ""),
            (
                "https://x.webhook.office.com/webhookb2/",
                UUID + "@" + UUID + "/IncomingWebhook/" + HEX,
                "",
            ),
        )
    )
    yield from (
        ("hash", *case)
        for case in (
            ("root:", "$6$" + f"saltsalt${MIXED}{MIXED}{MIXED[:22]}", ":19000:0"),
            ("", "$2b$" + f"12${MIXED}{MIXED[:21]}", ""),
            ("me:", "$apr1$" + f"saltsalt${MIXED[:22]}", ""),
            ("", "$argon2id$" + f"v=19$m=65536,t=3,p=4${MIXED[:22]}${MIXED}{MIXED[:11]}", ""),
        )
    )
    yield "link", "http://127.0.0.1:8000/login?link=", MIXED, " once"


CASES: tuple[Case, ...] = (*_prefixed(), *_keys(), *_named())
KINDS = frozenset(kind for kind, *_ in CASES)
