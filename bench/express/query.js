// The view of posts with their comments. As courses have it, GET /posts answers
// everything; ?limit= asks for the newest so many, which is more than they do.
const { app, listen } = require('./app');

const posts = new Map();

const handlers = {
  PostCreated(data) {
    posts.set(data.id, { ...data, commentCount: 0, comments: [] });
  },
  CommentCreated({ postId, ...comment }) {
    posts.get(postId).comments.push(comment);
  },
  CommentUpdated({ postId, ...comment }) {
    const post = posts.get(postId);
    const i = post.comments.findIndex((c) => c.id === comment.id);
    post.comments[i] = comment;
    post.commentCount = post.comments.filter((c) => c.status === 'approved').length;
  },
};

app.get('/posts', (req, res) => {
  const all = [...posts.values()];
  res.send(req.query.limit ? all.slice(-req.query.limit).reverse() : all);
});

app.post('/events', (req, res) => {
  const { type, data } = req.body;
  handlers[type]?.(data);
  res.send({});
});

listen('query');
