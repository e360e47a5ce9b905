// Loaded once into Thunderbird, where it has the rights of Thunderbird's own code: what a person would do, and what one sees.

const { NetUtil } = ChromeUtils.importESModule("resource://gre/modules/NetUtil.sys.mjs");
const { MailServices } = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");

const happenings = new Map(); // promises of what has happened, or will

function happening(what, folder, message) {
  const name = `${what} ${folder} ${message}`;
  if (!happenings.has(name)) {
    happenings.set(name, Promise.withResolvers());
  }
  return happenings.get(name);
}

function happened(what, message) {
  happening(what, message.folder.name, message.mime2DecodedSubject).resolve();
}

function server() {
  return MailServices.accounts.accounts[0].incomingServer;
}

function folder(name) {
  return server().rootFolder.getChildNamed(name).QueryInterface(Ci.nsIMsgImapMailFolder);
}

function find(name, subject) {
  return [...folder(name).messages].find(message => message.mime2DecodedSubject == subject);
}

// Run `begin` with a listener, and wait until Thunderbird says that it has been done.
function done(begin) {
  const { promise, resolve, reject } = Promise.withResolvers();
  begin({
    QueryInterface: ChromeUtils.generateQI(["nsIUrlListener"]),
    OnStartRunningUrl() {},
    OnStopRunningUrl(url, code) {
      if (Components.isSuccessCode(code)) {
        resolve();
      } else {
        reject(new Error(`${url.spec} ended with ${code}`));
      }
    },
  });
  return promise;
}

MailServices.mfn.addListener(
  {
    msgAdded: message => happened("added", message),
    msgsDeleted: messages => messages.forEach(message => happened("deleted", message)),
  },
  MailServices.mfn.msgAdded | MailServices.mfn.msgsDeleted
);
MailServices.mailSession.AddFolderListener(
  {
    onFolderPropertyFlagChanged(message, property, before, after) {
      if (~before & after & Ci.nsMsgMessageFlags.Marked) {
        happened("flagged", message);
      }
    },
  },
  Ci.nsIFolderListener.propertyFlagChanged
);

globalThis.person = {
  // Have Thunderbird know the password of a server.
  async remember(origin, user, password) {
    const login = Cc["@mozilla.org/login-manager/loginInfo;1"].createInstance(Ci.nsILoginInfo);
    login.init(origin, null, origin, user, password, "", "");
    await Services.logins.addLoginAsync(login);
  },

  // Return the names of the folders, as the server has them.
  async folders() {
    await done(listener => MailServices.imap.discoverAllFolders(server().rootFolder, listener, null));
    return server().rootFolder.subFolders.map(child => child.name);
  },

  // Open a folder: it is brought up to date, and from then on Thunderbird idles in it.
  open(name) {
    return done(listener => folder(name).updateFolderWithListener(null, listener));
  },

  // Return what the list of messages shows: subjects, and how their messages are marked.
  list(name) {
    const marks = message => (message.isFlagged ? "flagged " : "") + (message.isRead ? "read" : "new");
    return Object.fromEntries([...folder(name).messages].map(message => [message.mime2DecodedSubject, marks(message)]));
  },

  // Have all texts here, so that they can be read without a network.
  keep(name) {
    return done(listener => folder(name).downloadAllForOffline(listener, null));
  },

  // Return a message, octet by octet.
  source(name, subject) {
    const uri = folder(name).getUriForMsg(find(name, subject));
    const { promise, resolve, reject } = Promise.withResolvers();
    let octets = "";
    const listener = {
      QueryInterface: ChromeUtils.generateQI(["nsIStreamListener"]),
      onStartRequest() {},
      onDataAvailable(request, stream, offset, count) {
        octets += NetUtil.readInputStreamToString(stream, count);
      },
      onStopRequest(request, code) {
        if (Components.isSuccessCode(code)) {
          resolve(octets);
        } else {
          reject(new Error(`${uri} ended with ${code}`));
        }
      },
    };
    MailServices.messageServiceFromURI(uri).streamMessage(uri, listener, null, null, false, "", false);
    return promise;
  },

  flag(name, subject) {
    folder(name).markMessagesFlagged([find(name, subject)], true);
  },

  offline(wanted) {
    Services.io.offline = wanted;
  },

  // Wait until a message has been added, deleted or flagged, unless it has been already.
  heard(what, name, subject) {
    return happening(what, name, subject).promise;
  },

  // Write a message and send it.
  send(to, subject, text) {
    const identity = MailServices.accounts.accounts[0].defaultIdentity;
    const fields = Cc["@mozilla.org/messengercompose/composefields;1"].createInstance(Ci.nsIMsgCompFields);
    Object.assign(fields, { from: identity.email, to, subject });
    const { promise, resolve, reject } = Promise.withResolvers();
    const listener = {
      QueryInterface: ChromeUtils.generateQI(["nsIMsgSendListener"]),
      onStopSending(id, code) {
        if (Components.isSuccessCode(code)) {
          resolve();
        } else {
          reject(new Error(`sending ended with ${code}`));
        }
      },
      onStartSending() {},
      onSendProgress() {},
      onProgress() {},
      onStatus() {},
      onGetDraftFolderURI() {},
      onSendNotPerformed() {},
      onTransportSecurityError() {},
    };
    Cc["@mozilla.org/messengercompose/send;1"]
      .createInstance(Ci.nsIMsgSend)
      .createAndSendMessage(
        null, identity, null, fields, false, false, Ci.nsIMsgSend.nsMsgDeliverNow, null, "text/plain", text,
        null, null, listener, null, "", Ci.nsIMsgCompType.New
      );
    return promise;
  },
};
