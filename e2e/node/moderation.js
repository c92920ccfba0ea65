// A comment moderator as a course would write it.
const express = require('express');
const { publish } = require('./bus');

const app = express();
app.use(express.json());

app.post('/events', async (req, res) => {
  const { type, data } = req.body;
  if (type === 'CommentCreated') {
    const status = data.content.includes('orange') ? 'rejected' : 'approved';
    // Published while this very event is being delivered.
    await publish({
      type: 'CommentModerated',
      data: { id: data.id, postId: data.postId, status, content: data.content },
    });
  }
  res.send({});
});

app.listen(process.env.PORT, () => console.log('listening'));
