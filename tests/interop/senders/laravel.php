<?php
// Sends a letter as Laravel does with MAIL_MAILER=smtp, MAIL_HOST and MAIL_PORT: Illuminate\Mail\MailManager makes
// Symfony's transport in this way.
require 'Symfony/Component/Mailer/autoload.php';

use Symfony\Component\Mailer\Transport\Dsn;
use Symfony\Component\Mailer\Transport\Smtp\EsmtpTransportFactory;

[, $host, $port, $recipient] = $argv;
$transport = (new EsmtpTransportFactory())->create(new Dsn('smtp', $host, null, null, (int) $port, []));
$transport->send((new Symfony\Component\Mime\Email())
    ->from('noreply@shop.example')
    ->to($recipient)
    ->subject('By Laravel')
    ->text("Your order has been shipped.\n"));
