import { useInfiniteQuery } from '@tanstack/react-query';
import { useId, useState } from 'react';
import { Link, useSearchParams } from 'react-router';

import { Badge } from '@/components/Badge';
import { Button } from '@/components/Button';
import { Moment } from '@/components/Moment';
import { Failure, Notice } from '@/components/Notice';
import { Skeleton } from '@/components/Skeleton';
import { text } from '@/lib/text';

import { logQuery, type Logged, type LoggedVerdict, type Shown } from './api';
import styles from './Log.module.css';
import { Overrule, useOverruling } from './Overrule';

const words = text.moderation;

/** Who decided what and why, the newest first. */
export function Log() {
  const [status, setStatus] = useState<Shown>('');
  const comment = useSearchParams()[0].get('comment');
  const log = useInfiniteQuery(logQuery(status, comment));
  const { overruling, says } = useOverruling();
  const id = useId();
  const entries = log.data?.pages.flatMap((page) => page.items) ?? [];
  const latest = latestOfEach(entries);
  return (
    <section className={styles.log} aria-label={words.log}>
      <div className={styles.filter}>
        <label htmlFor={id}>{words.show}</label>
        <select
          id={id}
          value={status}
          onChange={(event) => {
            setStatus(event.target.value as Shown);
          }}
        >
          <option value="">{words.everything}</option>
          {(['approved', 'rejected', 'flagged'] as const).map((each) => (
            <option key={each} value={each}>
              {text.status[each]}
            </option>
          ))}
        </select>
      </div>
      {comment !== null && (
        <p className={styles.only}>
          {words.ofOne} <Link to="/moderation/log">{words.ofAll}</Link>
        </p>
      )}
      <div role="status">
        {overruling.isSuccess && (
          <p ref={says} tabIndex={-1} className={styles.done}>
            {words.decided(overruling.variables.verdict.status)}
          </p>
        )}
      </div>
      {overruling.isError && <Failure error={overruling.error} />}
      {log.isPending && <Skeleton cards={2} />}
      {log.isError && <Failure error={log.error} stale={!!log.data} retry={() => void log.refetch()} />}
      {log.isSuccess && entries.length === 0 && !log.hasNextPage && <Notice look="empty">
          <p>{words.logEmpty}</p>
        </Notice>}
      <ol className={styles.entries}>
        {entries.map(({ version, ...entry }) => (
          <li key={entry.entry}>
            <div className={styles.line}>
              {entry.status ? <Badge status={entry.status} /> : <strong>{words.did(entry)}</strong>}
              <span>{words.by(entry.moderator)}</span>
              <Moment at={entry.time} />
              <Link to={`/posts/${encodeURIComponent(entry.postId)}`}>
                {words.toPost}
                {entry.content && <span className="visually-hidden"> {entry.content}</span>}
              </Link>
            </div>
            {entry.content && <p className={styles.content}>{entry.content}</p>}
            <p className={styles.why}>{[entry.rule && words.rule(entry.rule), entry.reason, entry.note].filter(Boolean).join(' · ')}</p>
            {version !== undefined && isVerdict(entry) && latest.has(entry.entry) && (
              <Overrule
                entry={entry}
                busy={overruling.isPending && overruling.variables.id === entry.commentId}
                onDecide={(verdict) => {
                  overruling.mutate({ id: entry.commentId, version, verdict });
                }}
              />
            )}
          </li>
        ))}
      </ol>
      {log.hasNextPage && (
        <Button busy={log.isFetchingNextPage} onClick={() => void log.fetchNextPage()}>
          {log.isFetchingNextPage ? text.loading : words.moreLog}
        </Button>
      )}
    </section>
  );
}

function isVerdict(line: Logged): line is LoggedVerdict {
  return line.commentId !== undefined && line.status !== undefined && line.content !== undefined;
}

/** Of the verdicts, the newest first, those that none on the same comment is over. */
function latestOfEach(entries: Logged[]): Set<string> {
  const latest = new Map<string, string>();
  for (const line of entries) if (isVerdict(line) && !latest.has(line.commentId)) latest.set(line.commentId, line.entry);
  return new Set(latest.values());
}
