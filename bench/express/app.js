// What the services have in common: an Express application that listens, and the
// way to the event bus. PORTS is a JSON object of ports by name, the bus's included.
const express = require('express');
const { randomBytes } = require('crypto');

const ports = JSON.parse(process.env.PORTS);

const app = express();
app.use(express.json({ limit: '1mb' }));

const newId = () => randomBytes(8).toString('hex');

const url = (name, path) => `http://127.0.0.1:${ports[name]}${path}`;

const post = async (to, body) => {
  const res = await fetch(to, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
  await res.arrayBuffer(); // so that the connection can be used again
  if (!res.ok) {
    throw new Error(`${to} answers ${res.status}`);
  }
};

const publish = (type, data) => post(url('event-bus', '/events'), { type, data });

const listen = (name) => app.listen(ports[name], '127.0.0.1', () => console.log(name, 'listens'));

module.exports = { app, listen, newId, post, publish, url };
