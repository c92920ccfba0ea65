import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef, useState } from 'react';

import { Button } from '@/components/Button';
import { forgetDraft } from '@/lib/drafts';
import { retry } from '@/lib/http';
import { text } from '@/lib/text';

import { all, decide, rejectionForm, type LoggedVerdict, type Verdict } from './api';
import styles from './Log.module.css';
import { Rejection } from './Rejection';

const words = text.moderation;

/** As much of a text names a button, for those who do not see where it is. */
const named = 80;

interface Props {
  entry: LoggedVerdict;
  busy: boolean;
  onDecide: (verdict: Verdict) => void;
}

/** What can be done about a verdict: the other one. */
export function Overrule({ entry, busy, onDecide }: Props) {
  const { commentId: id, content, status } = entry;
  const [rejecting, setRejecting] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const asked = useRef(false);
  useEffect(() => {
    // Back to where it was asked for, once the dialog is gone.
    if (asked.current && !rejecting) box.current?.querySelector<HTMLElement>('button:last-of-type')?.focus();
    asked.current = rejecting;
  }, [rejecting]);
  const of = content.slice(0, named);
  return (
    <div ref={box} className={styles.actions}>
      {status !== 'approved' && (
        <Button
          busy={busy}
          aria-label={`${words.approve}: ${of}`}
          onClick={() => {
            onDecide({ status: 'approved', reason: '', note: '' });
          }}
        >
          {words.approve}
        </Button>
      )}
      {status !== 'rejected' && (
        <Button
          busy={busy}
          aria-label={`${words.reject}: ${of}`}
          onClick={() => {
            setRejecting(true);
          }}
        >
          {words.reject}
        </Button>
      )}
      {rejecting && (
        <Rejection
          held={{ id, content }}
          claimed={false}
          onReject={(reason, note) => {
            setRejecting(false);
            onDecide({ status: 'rejected', reason, note });
          }}
          onCancel={() => {
            setRejecting(false);
          }}
        />
      )}
    </div>
  );
}

/** Decides anew on comments that were decided on, and says so where the focus then is: the button is gone. */
export function useOverruling() {
  const client = useQueryClient();
  const says = useRef<HTMLParagraphElement>(null);
  const overruling = useMutation({
    mutationFn: ({ id, version, verdict }: { id: string; version: number; verdict: Verdict }) => decide({ id, version, entry: '' }, verdict),
    networkMode: 'always',
    ...retry,
    onSuccess: (_, { id }) => {
      forgetDraft(rejectionForm(id));
    },
    onSettled: () => client.invalidateQueries({ queryKey: all }),
  });
  const { isSuccess } = overruling;
  useEffect(() => {
    if (isSuccess) says.current?.focus();
  }, [isSuccess]);
  return { overruling, says };
}
