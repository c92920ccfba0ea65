package web

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
)

// The headers of a signed message are those of Standard Webhooks 1.0
// (https://www.standardwebhooks.com).
const (
	WebhookID        = "Webhook-Id"
	WebhookTimestamp = "Webhook-Timestamp"
	WebhookSignature = "Webhook-Signature"
)

// SignWebhook returns the signature of a message: "v1," and the base64 of
// HMAC-SHA256 over id, timestamp and body with points between them. Unlike in
// Standard Webhooks the key is the secret as it is written.
func SignWebhook(secret Secret, id, timestamp string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(id + "." + timestamp + "."))
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
