"""Messages to people: what waits, when it goes to Telegram, who is linked to which chat, the bell.

`bot` speaks Telegram's Bot API, `policy` decides what goes out when, `outbox` sends and records,
`linking` listens for codes, `worker` runs both; `bell` is what somebody finds in the console.
"""
