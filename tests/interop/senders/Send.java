// Sends a letter with JavaMail, as Spring does with spring.mail.host and spring.mail.port.
import java.util.Properties;
import javax.mail.Message;
import javax.mail.Session;
import javax.mail.Transport;
import javax.mail.internet.InternetAddress;
import javax.mail.internet.MimeMessage;

public class Send {
    public static void main(String[] arguments) throws Exception {
        Properties properties = new Properties();
        properties.put("mail.smtp.host", arguments[0]);
        properties.put("mail.smtp.port", arguments[1]);
        MimeMessage message = new MimeMessage(Session.getInstance(properties));
        message.setFrom(new InternetAddress("noreply@shop.example"));
        message.setRecipient(Message.RecipientType.TO, new InternetAddress(arguments[2]));
        message.setSubject("By JavaMail");
        message.setText("Your order has been shipped.\n");
        Transport.send(message);
    }
}
