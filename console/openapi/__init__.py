"""The HTTP API described: OpenAPI 3.1, made of the handlers themselves.

Nothing about an endpoint is written down a second time. `source` reads a handler's methods as text
(what they take, send and raise), `document` makes OpenAPI of all of them, `page` the same as
`docs/API.md`; `words` says what each parameter means, once for all endpoints that take it.
"""
