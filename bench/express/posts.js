const { app, listen, newId, publish } = require('./app');

const posts = {};

app.get('/posts', (req, res) => {
  res.send(posts);
});

app.get('/count', (req, res) => {
  res.send(String(Object.keys(posts).length));
});

app.post('/posts', async (req, res) => {
  const { title, body = '', author = '' } = req.body;
  if (typeof title !== 'string' || !title) {
    return res.status(400).send({ error: 'title is missing' });
  }
  const post = { id: newId(), title, body, author, createdAt: new Date(), version: 1 };
  posts[post.id] = post;
  await publish('PostCreated', post);
  res.status(201).send(post);
});

app.post('/events', (req, res) => {
  res.send({});
});

listen('posts');
