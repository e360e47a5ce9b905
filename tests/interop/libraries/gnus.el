;; Emacs' mail reader Gnus, whose nnimap comes back by QRESYNC: host port ca.
(require 'gnus)
(require 'gnus-sum)
(require 'json)
(require 'nnimap)

(pcase-let* ((`(,host ,port ,ca) command-line-args-left)
             (method `(nnimap "store" (nnimap-address ,host) (nnimap-server-port ,(string-to-number port))
                              (nnimap-stream ssl)))
             (told (lambda (&rest facts) (princ (concat (json-encode facts) "\n")))))
  (setq command-line-args-left nil
        gnutls-trustfiles (list ca)
        gnutls-verify-error t
        auth-sources '("~/.authinfo")
        gnus-select-method method
        gnus-agent nil
        gnus-interactive-exit nil
        gnus-save-newsrc-file nil
        nnimap-record-commands t
        gnus-read-active-file 'some
        gnus-check-new-newsgroups nil
        inhibit-message t)
  (gnus-no-server-1 nil)
  (gnus-open-server method)
  (gnus-activate-group "INBOX" 'scan)
  (gnus-subscribe-newsgroup "INBOX")
  (gnus-group-change-level "INBOX" 1 9)
  (cl-flet ((seen ()
              (gnus-get-unread-articles)
              (gnus-group-read-group t t "INBOX")
              (prog1 (mapcar (lambda (data)
                               (let ((number (gnus-data-number data)))
                                 (list (mail-header-subject (gnus-data-header data)) number
                                       (if (memq number gnus-newsgroup-marked) "ticked" "")
                                       (if (memq number gnus-newsgroup-unreads) "unread" ""))))
                             gnus-newsgroup-data)
                (gnus-summary-exit-no-update t))))
    (funcall told :before (vconcat (seen)))
    (read-string "")
    (funcall told :after (vconcat (seen)))
    (gnus-request-move-article 1 "INBOX" (gnus-group-server "INBOX")
                               `(gnus-request-accept-article "Archive" ',method t) t "Archive")
    (funcall told :resynced
             (with-current-buffer "*imap log*"
               (goto-char (point-min))
               (if (re-search-forward "QRESYNC ([0-9]+ [0-9]+" nil t) t :json-false)))
    (gnus-close-server method)))
