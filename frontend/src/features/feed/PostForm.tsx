import { useQueryClient } from '@tanstack/react-query';

import { PostFields } from '@/components/PostFields';
import { WriteForm } from '@/components/WriteForm';
import { createPost, getPost, type NewPost } from '@/lib/api';
import { useDraft } from '@/lib/drafts';
import { remember } from '@/lib/own';
import { text } from '@/lib/text';
import { showPost } from '@/lib/view';
import { useWrite } from '@/lib/write';

export const postForm = 'post';
export const emptyPost = { title: '', body: '', author: '' };

/** The fields of a new post. What is sent is in the feed at once. */
export function PostForm({ onPosted, onCancel }: { onPosted: () => void; onCancel: () => void }) {
  const client = useQueryClient();
  const { draft, change, clear } = useDraft(postForm, emptyPost);
  const write = useWrite(postForm, createPost, ({ editToken, ...post }, input: NewPost) => {
    remember({ kind: 'post', id: post.id, postId: post.id, token: editToken });
    showPost(client, { ...post, commentCount: 0, comments: [] });
    // The view has it in a moment; a reading before that would take it back.
    getPost(post.id, { version: post.version }).then(
      (seen) => {
        showPost(client, seen);
      },
      () => undefined, // later, then: by the changes or the next reading
    );
    clear({ ...input });
    onPosted();
  });
  return (
    <WriteForm
      title={text.composeTitle}
      submit={text.post}
      submitting={text.posting}
      sending={write.sending}
      retrying={write.retrying}
      error={write.error}
      onSubmit={() => {
        write.send(draft);
      }}
      onCancel={onCancel}
    >
      <PostFields values={draft} errors={write.fields} onChange={change} />
    </WriteForm>
  );
}
