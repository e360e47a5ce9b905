# Ruby's net/imap: host port user password ca mechanism.
require "json"
require "net/imap"

host, port, user, password, ca, mechanism = ARGV
imap = Net::IMAP.new(host, port: Integer(port), ssl: { ca_file: ca })
imap.authenticate(mechanism, user, password)
imap.select("INBOX")
subjects = -> { imap.uid_fetch(1..-1, %w[ENVELOPE FLAGS]).to_h { |one| [one.attr["ENVELOPE"].subject, one.attr["FLAGS"].map(&:to_s) - ["Recent"]] } }
puts JSON.generate(before: subjects.call)
$stdout.flush
$stdin.gets
expunged = []
imap.add_response_handler { |response| expunged << response.data if response.respond_to?(:name) && response.name == "EXPUNGE" }
imap.noop
puts JSON.generate(
  after: subjects.call,
  expunged: expunged.dup,
  sorted: imap.uid_sort(%w[REVERSE SUBJECT], "ALL", "UTF-8"),
  found: imap.uid_search(["SUBJECT", "number 4"], "UTF-8"),
  threads: imap.uid_thread("REFERENCES", "ALL", "UTF-8").length,
  quota: imap.getquotaroot("INBOX").length,
  acl: imap.getacl("INBOX").map(&:user),
  moved: imap.uid_move(1, "Archive").name,
)
$stdout.flush
told = nil
imap.idle(30) do |response|
  told = response.data if response.respond_to?(:name) && response.name == "EXISTS"
  imap.idle_done if told
end
puts JSON.generate(count: told)
imap.logout
