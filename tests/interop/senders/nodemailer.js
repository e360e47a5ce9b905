// Sends a letter with nodemailer.
const nodemailer = require("nodemailer");

const [host, port, to] = process.argv.slice(2);
nodemailer
  .createTransport({ host, port: Number(port) })
  .sendMail({ from: "noreply@shop.example", to, subject: "By nodemailer", text: "Your order has been shipped.\n" })
  .catch((error) => {
    console.error(error);
    process.exit(1);
  });
