// A comments service as a course would write it.
const express = require('express');
const { randomBytes } = require('crypto');
const { publish } = require('./bus');

const app = express();
app.use(express.json());

const commentsByPostId = {};

app.get('/posts/:id/comments', (req, res) => {
  res.send(commentsByPostId[req.params.id] || []);
});

app.post('/posts/:id/comments', async (req, res) => {
  const id = randomBytes(8).toString('hex');
  const { content } = req.body;
  const postId = req.params.id;
  const comments = commentsByPostId[postId] || [];
  comments.push({ id, content, status: 'pending' });
  commentsByPostId[postId] = comments;
  await publish({ type: 'CommentCreated', data: { id, content, postId, status: 'pending' } });
  res.status(201).send(comments);
});

app.post('/events', async (req, res) => {
  const { type, data } = req.body;
  if (type === 'CommentModerated') {
    const { postId, id, status, content } = data;
    // Falls over if the comment is not there yet.
    const comment = commentsByPostId[postId].find((comment) => comment.id === id);
    comment.status = status;
    await publish({ type: 'CommentUpdated', data: { id, status, postId, content } });
  }
  res.send({});
});

app.listen(process.env.PORT, () => console.log('listening'));
