// Sends a letter with Go's net/smtp.
package main

import (
	"log"
	"net/smtp"
	"os"
)

func main() {
	host, port, to := os.Args[1], os.Args[2], os.Args[3]
	letter := "From: noreply@shop.example\r\nTo: " + to + "\r\nSubject: By net/smtp\r\n\r\nYour order has been shipped.\r\n"
	if err := smtp.SendMail(host+":"+port, nil, "noreply@shop.example", []string{to}, []byte(letter)); err != nil {
		log.Fatal(err)
	}
}
