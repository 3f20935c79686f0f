-- Who somebody is at the OpenID provider, and which of its groups a group of ours follows.

ALTER TABLE users ADD COLUMN "oidc_subject" VARCHAR;
ALTER TABLE user_groups ADD COLUMN "claim" VARCHAR;
