// A query service as a course would write it: its view is in memory, and when it
// starts it asks the bus for everything that it has missed.
const express = require('express');

const app = express();
app.use(express.json());

const posts = {};

const handleEvent = (type, data) => {
  if (type === 'PostCreated') {
    const { id, title } = data;
    posts[id] = { id, title, comments: [] };
  }
  if (type === 'CommentCreated') {
    const { id, content, postId, status } = data;
    // Falls over if the post is not there yet.
    posts[postId].comments.push({ id, content, status });
  }
  if (type === 'CommentUpdated') {
    const { id, content, postId, status } = data;
    const comment = posts[postId].comments.find((comment) => comment.id === id);
    comment.status = status;
    comment.content = content;
  }
};

app.get('/posts', (req, res) => {
  res.send(posts);
});

app.post('/events', (req, res) => {
  const { type, data } = req.body;
  handleEvent(type, data);
  res.send({});
});

app.listen(process.env.PORT, async () => {
  if (process.env.CATCH_UP) {
    const res = await fetch(`${process.env.BUS}/events`);
    for (const event of await res.json()) {
      handleEvent(event.type, event.data);
    }
  }
  console.log('listening');
});
