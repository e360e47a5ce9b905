<?php
// Sends a letter with Symfony Mailer, by MAILER_DSN=smtp://host:port.
require 'Symfony/Component/Mailer/autoload.php';

[, $host, $port, $recipient] = $argv;
$email = (new Symfony\Component\Mime\Email())
    ->from('noreply@shop.example')
    ->to($recipient)
    ->subject('By Symfony Mailer')
    ->text("Your order has been shipped.\n");
$transport = Symfony\Component\Mailer\Transport::fromDsn("smtp://$host:$port");
(new Symfony\Component\Mailer\Mailer($transport))->send($email);
