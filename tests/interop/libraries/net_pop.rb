# Ruby's net/pop: host port user password ca way.
require "json"
require "net/pop"

host, port, user, password, ca, way = ARGV
pop = Net::POP3.new(host, Integer(port), way == "APOP")
pop.enable_ssl(OpenSSL::SSL::VERIFY_PEER, ca)
pop.start(user, password)
mails = pop.mails
told = { count: pop.n_mails, octets: pop.n_bytes, ids: mails.map(&:unique_id).uniq.length }
told[:top] = mails[0].top(0).bytesize
told[:contents] = mails.map(&:pop)
mails[1].delete
pop.reset
mails[0].delete
pop.finish
puts JSON.generate(told)
