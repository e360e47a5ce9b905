// Jakarta Mail: host port user secret ca mechanism. Reads INBOX with CONDSTORE, waits for a line, opens it again with
// QRESYNC, and says what it is told; then SORT, QUOTA, ACL, NAMESPACE and ID, by IMAPStore and IMAPFolder.
import com.sun.mail.imap.ACL;
import com.sun.mail.imap.IMAPFolder;
import com.sun.mail.imap.IMAPStore;
import com.sun.mail.imap.MessageVanishedEvent;
import com.sun.mail.imap.ResyncData;
import com.sun.mail.imap.Rights;
import com.sun.mail.imap.SortTerm;
import jakarta.mail.FetchProfile;
import jakarta.mail.Folder;
import jakarta.mail.Message;
import jakarta.mail.Quota;
import jakarta.mail.Session;
import jakarta.mail.UIDFolder;
import jakarta.mail.event.MailEvent;
import jakarta.mail.event.MessageChangedEvent;
import jakarta.mail.search.SubjectTerm;
import java.io.FileInputStream;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.TreeSet;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;

public class Imap {
    static void say(String name, Object value) {
        System.out.println(name + " " + value);
    }

    public static void main(String[] arguments) throws Exception {
        KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
        trusted.load(null);
        try (FileInputStream file = new FileInputStream(arguments[4])) {
            trusted.setCertificateEntry("ca", CertificateFactory.getInstance("X.509").generateCertificate(file));
        }
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(trusted);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);
        Properties properties = new Properties();
        properties.put("mail.imaps.ssl.socketFactory", context.getSocketFactory());
        properties.put("mail.imaps.ssl.checkserveridentity", "true");
        properties.put("mail.imaps.auth.mechanisms", arguments[5]);
        properties.put("mail.imaps.compress.enable", "true");
        IMAPStore store = (IMAPStore) Session.getInstance(properties).getStore("imaps");
        store.connect(arguments[0], Integer.parseInt(arguments[1]), arguments[2], arguments[3]);

        IMAPFolder folder = (IMAPFolder) store.getFolder("INBOX");
        folder.open(Folder.READ_WRITE, ResyncData.CONDSTORE);
        Message[] messages = folder.getMessages();
        FetchProfile profile = new FetchProfile();
        profile.add(FetchProfile.Item.ENVELOPE);
        profile.add(FetchProfile.Item.FLAGS);
        profile.add(UIDFolder.FetchProfileItem.UID);
        folder.fetch(messages, profile);
        List<String> subjects = new ArrayList<>();
        for (Message message : messages) {
            subjects.add(message.getSubject());
        }
        say("subjects", subjects);
        long validity = folder.getUIDValidity();
        long modseq = folder.getHighestModSeq();
        folder.close(false);
        say("ready", "");
        System.in.read();

        List<Long> vanished = new ArrayList<>();
        TreeSet<String> changed = new TreeSet<>();
        for (MailEvent event : folder.open(Folder.READ_WRITE, new ResyncData(validity, modseq))) {
            if (event instanceof MessageVanishedEvent) {
                for (long uid : ((MessageVanishedEvent) event).getUIDs()) {
                    vanished.add(uid);
                }
            } else if (event instanceof MessageChangedEvent) {
                Message message = ((MessageChangedEvent) event).getMessage();
                changed.add(message.getSubject() + " seen " + message.isSet(jakarta.mail.Flags.Flag.SEEN));
            }
        }
        say("vanished", vanished);
        say("changed", changed);
        say("since", folder.getMessagesByUIDChangedSince(1, UIDFolder.LASTUID, modseq).length);

        List<String> sorted = new ArrayList<>();
        for (Message message : folder.getSortedMessages(new SortTerm[] {SortTerm.REVERSE, SortTerm.SUBJECT})) {
            sorted.add(message.getSubject());
        }
        say("sorted", sorted);
        say("found", folder.search(new SubjectTerm("number 4")).length);
        for (Quota quota : store.getQuota("INBOX")) {
            say("quota", quota.quotaRoot + " " + quota.resources.length);
        }
        Rights rights = folder.myRights();
        say("rights", rights.contains(Rights.Right.ADMINISTER));
        folder.addACL(new ACL("anyone", new Rights("lr")));
        say("acl", folder.getACL().length);
        folder.removeACL("anyone");
        say("namespace", store.getPersonalNamespaces().length);
        say("id", store.id(Map.of("name", "Jakarta Mail")).get("name"));
        say("capable", store.hasCapability("COMPRESS=DEFLATE") && store.hasCapability("THREAD=REFERENCES"));
        folder.close(true);
        store.close();
    }
}
