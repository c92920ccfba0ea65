const { app, listen, publish } = require('./app');

const words = ['terrorism', 'racism'];

app.post('/events', async (req, res) => {
  const { type, data } = req.body;
  if (type === 'CommentCreated') {
    const text = data.content.toLowerCase();
    const status = words.some((word) => text.includes(word)) ? 'rejected' : 'approved';
    await publish('CommentModerated', { ...data, status });
  }
  res.send({});
});

listen('moderation');
