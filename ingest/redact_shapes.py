"""The shapes of secrets that need no judgement: tokens that begin with their service's own letters,
and values in places where only a secret stands. `redact` runs them; this only lists them.

Each shape has a hint: a cheap search that finds whatever the shape finds, and rarely more.
"""

from __future__ import annotations


def after(literal: bytes) -> bytes:
    """`literal` where a word begins; the letter of an escape (`\\n`) or of a colour is no word."""
    before = (rb"(?<![\w-]%b)", rb"(?<=\\[nrtbf]%b)", rb"(?<=\\u[0-9a-fA-F]{4}%b)")
    coded = (rb"(?<=%%[0-9A-Fa-f]{2}%b)", rb"(?<=\[\dm%b)", rb"(?<=\[\d\dm%b)")
    # The literal stands first: a search for one is ten times as fast.
    return literal + b"(?:" + b"|".join(each % literal for each in before + coded) + b")"


SLASH = rb"(?:\\*/)"
_GAP = rb"(?:[ \t]|\\+[nrt]|[\r\n])"  # between two words, whichever way a line ends
_QUOTE = rb"""(?:\\*["'`])?"""
_VALUE = rb"""[^\s"'`\\,;&|<>$({\[][^\s"'`\\,;&|<>]{3,}"""  # no variable, no placeholder

# By the letters they begin with; the last group is cut, the whole where there is none.
TOKENS: tuple[tuple[str, bytes], ...] = (
    ("gitlab", rb"gl(?:pat|rt|dt|ptt|ft|imt|agent|soat|oas)-[\w-]{16,}"),
    ("slack", rb"xapp-[A-Za-z0-9-]{20,}"),
    ("google", after(rb"ya29\.") + rb"[\w-]{20,}"),
    ("google", rb"GOCSPX-[\w-]{20,}"),
    ("huggingface", after(rb"hf_") + rb"[A-Za-z0-9]{30,}"),
    ("sendgrid", after(rb"SG\.") + rb"[\w-]{16,}\.[\w-]{16,}"),
    ("twilio", after(rb"SK") + rb"[0-9a-f]{32}(?![0-9A-Za-z])"),
    ("mailgun", after(rb"key-") + rb"[0-9a-f]{32}(?![0-9A-Za-z])"),
    ("digitalocean", rb"do[opr]_v1_[0-9a-f]{40,}"),
    ("databricks", after(rb"dapi") + rb"[0-9a-f]{32}(?:-\d)?(?![0-9A-Za-z])"),
    ("shopify", rb"shp(?:at|ca|pa|ss)_[0-9A-Fa-f]{32}"),
    ("square", rb"sq0(?:atp|csp|idp)-[\w-]{20,}"),
    ("atlassian", rb"ATATT3x[\w=-]{30,}"),
    ("linear", rb"lin_(?:api|oauth)_[A-Za-z0-9]{30,}"),
    ("notion", after(rb"ntn_") + rb"[A-Za-z0-9]{30,}"),
    ("notion", after(rb"secret_") + rb"[A-Za-z0-9]{40,}"),
    ("postman", rb"PMAK-[0-9a-f]{24}-[0-9a-f]{30,}"),
    ("newrelic", rb"NRAK-[A-Z0-9]{20,}"),
    ("doppler", rb"dp\.(?:audit|ct|pt|sa|scim|st)\.[\w.-]{30,}"),
    ("vault", after(rb"hvs\.") + rb"[\w-]{24,}"),
    ("vault", after(rb"hvb\.") + rb"[\w-]{24,}"),
    ("planetscale", rb"pscale_(?:oauth|pw|tkn)_[\w.-]{20,}"),
    ("supabase", after(rb"sbp_") + rb"[0-9a-f]{40}"),
    ("grafana", after(rb"glc_") + rb"[A-Za-z0-9+/=]{30,}"),
    ("grafana", after(rb"glsa_") + rb"[A-Za-z0-9]{30,}_[0-9a-f]{8}"),
    ("sentry", rb"sntry[su]_[\w+/=-]{30,}"),
    ("groq", after(rb"gsk_") + rb"[A-Za-z0-9]{40,}"),
    ("replicate", after(rb"r8_") + rb"[A-Za-z0-9]{30,}"),
    ("xai", after(rb"xai-") + rb"[A-Za-z0-9]{40,}"),
    ("perplexity", rb"pplx-[A-Za-z0-9]{40,}"),
    ("docker", rb"dckr_(?:oat|pat)_[\w-]{20,}"),
    ("terraform", rb"[A-Za-z0-9]{14}\.atlasv1\.[\w-]{20,}"),
    ("fly", after(rb"fm[12]_") + rb"[\w+/=,-]{20,}"),
    ("fly", after(rb"fm[12][ar]_") + rb"[\w+/=,-]{20,}"),
    ("age", rb"AGE-SECRET-KEY-1[A-Z0-9]{40,}"),
    ("discord", rb"(?:(?<![\w-])|(?<=\\[nrt]))[MNO][\w-]{23,27}\.[\w-]{6}\.[\w-]{27,}"),
    (
        "private-key",  # in base64: BEGIN, and one of the words that may follow it
        rb"LS0tLS1CRUdJTi(?:BQUklWQVRF|BSU0EgUFJJVkFURS|BFQyBQUklWQVRF|BPUEVOU1NIIFBSSVZBVEUg"
        rb"|BFTkNSWVBURUQgUFJJVkFURS)[A-Za-z0-9+/=]{10,}",
    ),
)

# By where they stand.
PLACES: tuple[tuple[str, bytes], ...] = (
    ("private-key", rb"client-key-data" + _QUOTE + rb":[ ]*" + _QUOTE + rb"([A-Za-z0-9+/=]{20,})"),
    ("private-key", rb"Private-Lines: \d+((?:%b{1,4}[A-Za-z0-9+/=]{16,}+)++)" % _GAP),
    (
        "webhook",
        rb"discord(?:app)?\.com%b(?:api%b)?webhooks%b\d+%b([\w-]{30,})" % ((SLASH,) * 4),
    ),
    ("webhook", rb"""webhook\.office\.com%bwebhookb2%b([^\s"'\\<>]{30,})""" % (SLASH, SLASH)),
    (
        "password-hash",
        rb"\$(?:1|2[abxy]|5|6|y|7|apr1|argon2(?:id|i|d)|pbkdf2[\w-]{0,20})\$[./\w$=,+-]{20,}",
    ),
    ("agnes", rb"login\?link=([\w-]{16,})"),
    ("url-password", SLASH * 2 + rb"((?=[A-Za-z_-]{0,99}[0-9])[\w-]{20,100})@[A-Za-z0-9]"),
    (
        "signed-url",
        rb"(?:[?&;]|\\u0026)(?:sig|signature|X-(?:Amz|Goog)-Signature|X-Amz-Security-Token)"
        rb"=([A-Za-z0-9%+/=_-]{16,})",
    ),
    (
        "cookie",
        rb"[Cc]ookie%b[ \t]*[:=,][ \t]*%b([\w.-]{1,60}=(?=[^;,\s]{0,200}[0-9])[^\s\"'`\\,;\[]{8,}"
        rb"(?:; ?[\w.-]{1,60}=[^\s\"'`\\;]*+){0,60})" % (_QUOTE, _QUOTE),
    ),
    (
        "registry-login",
        rb"(?:(?<![A-Za-z])|(?<=\\[nrt]))_?auth%b[ \t]*[:=][ \t]*%b"
        rb"((?=[A-Za-z+/]{0,99}[0-9])(?=[a-z0-9+/]{0,99}[A-Z])"
        rb"[A-Za-z0-9+/]{20,}={0,2})(?![\w.-])" % (_QUOTE, _QUOTE),
    ),
    (
        "password",
        rb"(?:mysql|mariadb)[a-z]{0,20}[^\r\n\"'|;&\\]{0,200}? -p(?!ort|rotocol)(%b)" % _VALUE,
    ),
    ("password", rb"sshpass +-p *%b(%b)" % (_QUOTE, _VALUE)),
    ("password", rb" login [^\r\n\"|;&\\]{0,200}?(?<= )-p[ =]%b(%b)" % (_QUOTE, _VALUE)),
    (
        "password",
        rb"curl(?= )[^\r\n|;\\]{0,300}? (?:-u ?|--user[ =])%b[^\s:\"'\\$]{0,80}:(%b)"
        % (_QUOTE, _VALUE),
    ),
    (
        "password",
        rb"machine%(gap)b+\S{1,100}?%(gap)b+login%(gap)b+\S{1,100}?%(gap)b+password%(gap)b+"
        rb"(%(value)b)" % {b"gap": _GAP, b"value": _VALUE},
    ),
    ("password", rb"[\w*](?::543\d|:6432):[\w*-]{1,60}:[\w.*-]{1,60}:(%b)" % _VALUE),
    (
        "password",
        rb"(?i:password|passphrase) is:? %b((?=[^\s\"'`\\]{0,60}[0-9])%b)" % (_QUOTE, _VALUE),
    ),
    (
        "named-value",
        rb"(?i:passw(?:or)?d|secret|token|api_?key)%b(?:,|%b)[ \t]*%b(?i:value)%b[ \t]*:"
        rb"[ \t]*%b(%b)" % (_QUOTE, _GAP, _QUOTE, _QUOTE, _QUOTE, _VALUE),
    ),
    (
        "credentials",
        rb"[A-Z0-9]_CREDENTIALS?=(?![~./])%b((?=[^\s\"'`\\]{0,60}[0-9])%b)" % (_QUOTE, _VALUE),
    ),
)

# One literal first in each, as rare as can be. Of a token the run of letters is asked for next:
# it is longer than most names in code.
HINTS: tuple[bytes, ...] = (
    rb"_(?=[\w.+/=,-]{20})(?:%b)"
    % b"|".join(
        b"(?<=%b_)" % start
        for start in (
            *(b"hf", b"v1", b"shp[acs][atps]", b"api", b"oauth", b"ntn", b"secret", b"tkn", b"pw"),
            *(b"sbp", b"glc", b"glsa", b"sntrys", b"sntryu", b"gsk", b"r8", b"oat", b"pat"),
            *(b"fm1", b"fm2", b"fm[12][ar]"),
        )
    ),
    rb"-(?=[\w-]{16})(?:%b)"
    % b"|".join(
        b"(?<=%b-)" % start
        for start in (
            *(b"glrt", b"gldt", b"glptt", b"glft", b"glimt", b"glagent", b"glsoat", b"gloas"),
            *(b"xapp", b"GOCSPX", b"key", b"sq0[aci][a-z]p", b"PMAK", b"NRAK", b"xai", b"pplx"),
            b"AGE-SECRET-KEY",
        )
    ),
    rb"\.(?=[\w.-]{16})(?:(?<=ya29\.)|(?<=SG\.)|(?<=dp\.)|(?<=hv[sb]\.)|(?<=atlasv1\.)"
    rb"|(?<=\.[\w-]{6}\.))",
    rb"SK[0-9a-f]{32}",
    rb"dapi[0-9a-f]{32}",
    rb"ATATT3x",
    rb"LS0tLS1CRUdJTi",
    rb"client-key-data",
    rb"Private-Lines: ",
    rb"\$(?:1|2[abxy]|5|6|y|7|apr1|argon2|pbkdf2)[$idw_-]",
    rb"webhook(?:s|b2|\.o)",
    rb"login(?:\?link=|(?= )[^\r\n\"|;&\\]{0,201} -p|%b+\S{1,100}?%b+password)" % (_GAP, _GAP),
    rb"/\\*/[\w-]{20,100}@",
    rb"sig=",
    rb"ignature=",
    rb"y-Token=",
    rb"ookie(?=%b[ \t]*[:=,])" % _QUOTE,
    rb"auth%b[ \t]*[:=][ \t]*%b[A-Za-z0-9+/]{20}" % (_QUOTE, _QUOTE),
    rb"sshpass",
    rb"mysql[^\r\n\"'|;&\\]{0,240}? -p",
    rb"mariadb[^\r\n\"'|;&\\]{0,240}? -p",
    rb"curl(?= )[^\r\n|;\\]{0,300}? (?:-u|--user)",
    rb":(?:543\d|6432):",
    rb"_CREDENTIALS?=",
)
# The same, for a search in small letters.
LOW_HINTS: tuple[bytes, ...] = (
    rb"password is",
    rb"passphrase is",
    rb"value%b[ \t]*:" % _QUOTE,
)
