// A posts service as a course would write it: state in memory, events by HTTP.
const express = require('express');
const { randomBytes } = require('crypto');
const { publish } = require('./bus');

const app = express();
app.use(express.json());

const posts = {};

app.get('/posts', (req, res) => {
  res.send(posts);
});

app.post('/posts', async (req, res) => {
  const id = randomBytes(8).toString('hex');
  posts[id] = { id, title: req.body.title };
  await publish({ type: 'PostCreated', data: { id, title: req.body.title } });
  res.status(201).send(posts[id]);
});

app.post('/events', (req, res) => {
  res.send({});
});

app.listen(process.env.PORT, () => console.log('listening'));
