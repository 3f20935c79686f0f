"""Signing in with an OpenID provider: authorization code, PKCE, state, nonce. SPEC section 16."""
