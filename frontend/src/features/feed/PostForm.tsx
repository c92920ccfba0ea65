import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';

import { Button } from '@/components/Button';
import { PostFields } from '@/components/PostFields';
import { TokenField } from '@/components/TokenField';
import { WriteForm } from '@/components/WriteForm';
import { createPost, getPost, type NewPost } from '@/lib/api';
import { useDraft } from '@/lib/drafts';
import { remember } from '@/lib/own';
import { text } from '@/lib/text';
import { showPost } from '@/lib/view';
import { useWrite } from '@/lib/write';

import { isRefused, usePoster } from './poster';

export const postForm = 'post';
export const emptyPost = { title: '', body: '', author: '' };

/** The fields of a new post. What is sent is in the feed at once. */
export function PostForm({ onPosted, onCancel }: { onPosted: () => void; onCancel: () => void }) {
  const client = useQueryClient();
  const { draft, change, clear } = useDraft(postForm, emptyPost);
  const poster = usePoster();
  const send = (input: NewPost, key: string) => createPost(input, key, poster.token);
  const write = useWrite(postForm, send, ({ editToken, ...post }, input) => {
    poster.served();
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
  const refused = isRefused(write.error);
  const [asked, setAsked] = useState(false);
  if (refused && !asked) setAsked(true);
  return (
    <WriteForm
      title={text.composeTitle}
      submit={text.post}
      submitting={text.posting}
      sending={write.sending}
      retrying={write.retrying}
      error={refused ? undefined : write.error}
      onSubmit={() => {
        poster.trying();
        write.send(draft);
      }}
      onCancel={onCancel}
    >
      <PostFields values={draft} errors={write.fields} onChange={change} />
      {poster.kept && !asked && (
        <div>
          <Button
            onClick={({ currentTarget }) => {
              currentTarget.form?.querySelector<HTMLElement>('[name]')?.focus();
              poster.forget();
            }}
          >
            {text.forgetToken}
          </Button>
        </div>
      )}
      {asked && (
        <TokenField
          label={text.postToken}
          hint={text.postTokenHint}
          value={poster.given}
          onChange={poster.setGiven}
          error={write.error}
          wrong={refused && poster.tried !== ''}
        />
      )}
    </WriteForm>
  );
}
