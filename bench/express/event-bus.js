// The event bus: it keeps every event in memory and hands it to every service.
const { app, listen, post, url } = require('./app');

const services = ['posts', 'comments', 'query', 'moderation'];
const events = [];

app.post('/events', (req, res) => {
  const event = req.body;
  events.push(event);
  for (const service of services) {
    post(url(service, '/events'), event).catch((err) => console.error(service, err.message));
  }
  res.send({ status: 'OK' });
});

app.get('/events', (req, res) => {
  res.send(events);
});

listen('event-bus');
