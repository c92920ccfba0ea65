import { Link } from 'react-router';

import { Button } from '@/components/Button';
import { Byline } from '@/components/Byline';
import { Markdown } from '@/components/Markdown';
import { text } from '@/lib/text';

import type { Held, NewBlock, Verdict } from './api';
import styles from './Queue.module.css';
import { Rejection } from './Rejection';

const words = text.moderation;

interface Props {
  held: Held;
  /** Who moderates, as the others see them. */
  you: string | undefined;
  /** It is the one that keys act on. */
  current: boolean;
  rejecting: boolean;
  onChoose: () => void;
  onReject: (open: boolean) => void;
  onDecide: (verdict: Verdict) => void;
  onBlock: (kind: NewBlock['kind'], then: NewBlock['then']) => void;
}

/** What can be blocked of what is known of an author. */
function blockable({ authorKey, networkKey }: Held): [NewBlock['kind'], NewBlock['then']][] {
  return [
    ...(authorKey ? ([['author', 'hold'], ['author', 'reject']] as const) : []),
    ...(networkKey ? ([['network', 'hold'], ['network', 'reject']] as const) : []),
  ].map(([kind, then]) => [kind, then]);
}

/** A held comment with all that helps to decide on it. */
export function HeldComment({ held, you, current, rejecting, onChoose, onReject, onDecide, onBlock }: Props) {
  const { history, claim } = held;
  return (
    <li className={styles.held} tabIndex={-1} aria-current={current || undefined} onFocus={onChoose}>
      <p className={styles.where}>
        {words.on} <Link to={`/posts/${encodeURIComponent(held.postId)}`}>{held.postTitle || words.untitled}</Link>
      </p>
      <Byline author={held.author} createdAt={held.since} small />
      <Markdown className={styles.content}>{held.content}</Markdown>
      <ul className={styles.facts}>
        {held.rule && <li>{words.heldBy(held.rule)}</li>}
        {held.reason && <li>{held.reason}</li>}
        {history && <li>{history.first ? words.first : words.history(history)}</li>}
        {claim && claim.by !== you && <li>{words.claimed(claim.by)}</li>}
      </ul>
      <div className={styles.actions}>
        <Button
          look="main"
          onClick={() => {
            onDecide({ status: 'approved', reason: '', note: '' });
          }}
        >
          {words.approve}
        </Button>
        <Button
          onClick={() => {
            onReject(true);
          }}
        >
          {words.reject}
        </Button>
      </div>
      <details className={styles.more}>
        <summary>{words.more}</summary>
        <div className={styles.actions}>
          {blockable(held).map(([kind, then]) => (
            <Button
              key={kind + then}
              onClick={() => {
                onBlock(kind, then);
              }}
            >
              {words.block[kind][then]}
            </Button>
          ))}
          <Link to={`/moderation/posts/${encodeURIComponent(held.postId)}`}>{words.takeDown}</Link>
        </div>
      </details>
      {rejecting && (
        <Rejection
          held={held}
          onReject={(reason, note) => {
            onDecide({ status: 'rejected', reason, note });
          }}
          onCancel={() => {
            onReject(false);
          }}
        />
      )}
    </li>
  );
}
