-- imapfilter: what a user's filter does. The environment has HOST, PORT, LOGIN and PASSWORD.
options.create = true
account = IMAP {
  server = os.getenv("HOST_NAME"), port = tonumber(os.getenv("HOST_PORT")),
  username = os.getenv("LOGIN"), password = os.getenv("PASSWORD"), ssl = "auto",
}
inbox = account.INBOX
seen = inbox:is_seen()
newest = inbox:contain_subject("Number 4") + inbox:contain_subject("nothing")
print("*exist", (inbox:check_status()))
print("*seen", #seen, "found", #newest)
newest:add_flags({ "Filed" })
newest:move_messages(account["lists/filed"])
print("*moved", #account["lists/filed"]:has_keyword("Filed"))
