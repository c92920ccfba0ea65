const { app, listen, newId, publish } = require('./app');

const commentsByPost = {};

app.get('/posts/:id/comments', (req, res) => {
  res.send(commentsByPost[req.params.id] || []);
});

app.post('/posts/:id/comments', async (req, res) => {
  const postId = req.params.id;
  const { content, author = '' } = req.body;
  if (typeof content !== 'string' || !content) {
    return res.status(400).send({ error: 'content is missing' });
  }
  const comment = { id: newId(), content, author, status: 'pending', createdAt: new Date(), version: 1 };
  (commentsByPost[postId] ||= []).push(comment);
  await publish('CommentCreated', { ...comment, postId });
  res.status(201).send(comment);
});

app.post('/events', async (req, res) => {
  const { type, data } = req.body;
  if (type === 'CommentModerated') {
    const comment = commentsByPost[data.postId].find((c) => c.id === data.id);
    comment.status = data.status;
    comment.version++;
    await publish('CommentUpdated', { ...comment, postId: data.postId });
  }
  res.send({});
});

listen('comments');
