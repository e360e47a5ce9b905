<?php
// Sends a letter with PHPMailer.
require 'libphp-phpmailer/autoload.php';

[, $host, $port, $recipient] = $argv;
$mail = new PHPMailer\PHPMailer\PHPMailer(true);
$mail->isSMTP();
$mail->Host = $host;
$mail->Port = (int) $port;
$mail->setFrom('noreply@shop.example');
$mail->addAddress($recipient);
$mail->Subject = 'By PHPMailer';
$mail->Body = "Your order has been shipped.\n";
$mail->send();
