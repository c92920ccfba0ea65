// What the services have in common: an Express application that listens, and the
// way to the event bus. PORTS is a JSON object of ports by name, the bus's included.
const express = require('express');
const http = require('http');
const { randomBytes } = require('crypto');

const ports = JSON.parse(process.env.PORTS);

const app = express();
app.use(express.json({ limit: '1mb' }));

const newId = () => randomBytes(8).toString('hex');

const url = (name, path) => `http://127.0.0.1:${ports[name]}${path}`;

// With http and not fetch, which takes about twice the time. Connections are kept.
const agent = new http.Agent({ keepAlive: true, maxSockets: 64 });

const post = (to, body) =>
  new Promise((resolve, reject) => {
    const data = JSON.stringify(body);
    const headers = { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(data) };
    const req = http.request(to, { method: 'POST', agent, headers }, (res) => {
      res.resume(); // so that the connection can be used again
      res.on('end', () => (res.statusCode < 300 ? resolve() : reject(new Error(`${to} answers ${res.statusCode}`))));
    });
    req.on('error', reject);
    req.end(data);
  });

const publish = (type, data) => post(url('event-bus', '/events'), { type, data });

const listen = (name) => app.listen(ports[name], '127.0.0.1', () => console.log(name, 'listens'));

module.exports = { app, listen, newId, post, publish, url };
