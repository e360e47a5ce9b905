# Sends a letter with Ruby's mail, as Action Mailer does.
require "mail"

host, port, recipient = ARGV
Mail.defaults { delivery_method :smtp, address: host, port: Integer(port) }
Mail.deliver do
  from "noreply@shop.example"
  to recipient
  subject "By Ruby"
  body "Your order has been shipped.\n"
end
