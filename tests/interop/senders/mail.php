<?php
// Sends a letter with PHP's mail(), whose sendmail_path is Postroad's.
[, $recipient] = $argv;
exit(mail($recipient, 'By PHP', "Your order has been shipped.\n.\nSecond line.\n", 'From: noreply@shop.example') ? 0 : 1);
