// A test of an app, as it would be written against GreenMail: java GreenMail.java <host> <address> <login> <password>
//
// It sends to GreenMail's SMTP ports with a login, and reads by its POP3 and IMAP ports, with and without TLS.
import jakarta.mail.Authenticator;
import jakarta.mail.Flags;
import jakarta.mail.Folder;
import jakarta.mail.Message;
import jakarta.mail.PasswordAuthentication;
import jakarta.mail.Session;
import jakarta.mail.Store;
import jakarta.mail.Transport;
import jakarta.mail.internet.InternetAddress;
import jakarta.mail.internet.MimeMessage;
import java.util.Properties;

public class GreenMail {
    static String host;
    static String login;
    static String password;

    public static void main(String[] arguments) throws Exception {
        host = arguments[0];
        String address = arguments[1];
        login = arguments[2];
        password = arguments[3];
        send("smtp", 3025, address, "plain");
        send("smtps", 3465, address, "by TLS");
        count("imap", 3143, 2);
        count("imaps", 3993, 2);
        count("pop3", 3110, 2);
        count("pop3s", 3995, 2);
        delete("imap", 3143);
        count("pop3", 3110, 1);
        System.out.println("ok");
    }

    static Session session(String protocol, int port) {
        Properties properties = new Properties();
        properties.put("mail." + protocol + ".host", host);
        properties.put("mail." + protocol + ".port", String.valueOf(port));
        properties.put("mail." + protocol + ".auth", "true");
        properties.put("mail." + protocol + ".ssl.trust", "*");
        properties.put("mail." + protocol + ".timeout", "20000");
        return Session.getInstance(
                properties,
                new Authenticator() {
                    @Override
                    protected PasswordAuthentication getPasswordAuthentication() {
                        return new PasswordAuthentication(login, password);
                    }
                });
    }

    static void send(String protocol, int port, String address, String subject) throws Exception {
        MimeMessage message = new MimeMessage(session(protocol, port));
        message.setFrom(new InternetAddress("noreply@shop.example"));
        message.setRecipient(Message.RecipientType.TO, new InternetAddress(address));
        message.setSubject(subject);
        message.setText("Your order has been shipped.\n");
        Transport transport = message.getSession().getTransport(protocol);
        transport.connect();
        transport.sendMessage(message, message.getAllRecipients());
        transport.close();
    }

    static void count(String protocol, int port, int wanted) throws Exception {
        long until = System.currentTimeMillis() + 20000;
        for (int found = -1; found != wanted; ) {
            if (System.currentTimeMillis() > until) {
                throw new IllegalStateException(protocol + " has " + found + " messages instead of " + wanted);
            }
            Store store = session(protocol, port).getStore(protocol);
            store.connect();
            Folder inbox = store.getFolder("INBOX");
            inbox.open(Folder.READ_ONLY);
            found = inbox.getMessageCount();
            inbox.close(false);
            store.close();
        }
    }

    static void delete(String protocol, int port) throws Exception {
        Store store = session(protocol, port).getStore(protocol);
        store.connect();
        Folder inbox = store.getFolder("INBOX");
        inbox.open(Folder.READ_WRITE);
        inbox.getMessage(1).setFlag(Flags.Flag.DELETED, true);
        inbox.close(true);
        store.close();
    }
}
