package openapitest

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"

	"github.com/tmaxmax/go-sse"
)

// maxEvent bounds a server-sent event in a body.
const maxEvent = 4 << 20

// CheckEvent returns an error if the document does not have this server-sent event
// in the stream at a path.
func (d *Document) CheckEvent(path string, e sse.Event) error {
	op, _ := d.find(http.MethodGet, path)
	if op == nil || op.responses["200"] == nil {
		return fmt.Errorf("docs/openapi/%s.yaml has no GET %s", d.service, path)
	}
	err := op.responses["200"].content["text/event-stream"].checkEvent(e)
	if err != nil {
		return fmt.Errorf("not as docs/openapi/%s.yaml has it: an event of %s: %w", d.service, path, err)
	}
	return nil
}

func (c content) checkEvent(e sse.Event) error {
	if c.item == nil {
		return errors.New("it is no stream of events")
	}
	err := c.item.Validate(map[string]any{"event": e.Type, "id": e.LastEventID, "data": e.Data})
	if err != nil {
		return fmt.Errorf("%w\nof %s %.2000s", err, e.Type, e.Data)
	}
	return nil
}

func (c content) checkEvents(body []byte) error {
	for e, err := range sse.Read(bytes.NewReader(body), &sse.ReadConfig{MaxEventSize: maxEvent}) {
		if err != nil {
			return err
		}
		if err := c.checkEvent(e); err != nil {
			return err
		}
	}
	return nil
}

// CheckWebhook returns an error if body is not what the service sends of itself to
// those who listen to the webhook.
func (d *Document) CheckWebhook(name string, body []byte) error {
	schema := d.webhooks[name]
	if schema == nil {
		return fmt.Errorf("docs/openapi/%s.yaml has no webhook %s", d.service, name)
	}
	if err := conforms(schema, body); err != nil {
		return fmt.Errorf("webhook %s of %s: %w\nof %.2000s", name, d.service, err, body)
	}
	return nil
}
