import { useInfiniteQuery, useMutation, useQueryClient } from '@tanstack/react-query';
import { Link } from 'react-router';

import { Button } from '@/components/Button';
import { Moment } from '@/components/Moment';
import { Failure, Notice } from '@/components/Notice';
import { Skeleton } from '@/components/Skeleton';
import { retry } from '@/lib/http';
import { text } from '@/lib/text';

import { all, blocksQuery, unblock, type Block } from './api';
import styles from './Log.module.css';

const words = text.moderation;

/** The authors and networks that are held or rejected, the latest first. */
export function Blocks() {
  const blocks = useInfiniteQuery(blocksQuery);
  const client = useQueryClient();
  const removing = useMutation({
    mutationFn: unblock,
    networkMode: 'always',
    ...retry,
    onSettled: () => client.invalidateQueries({ queryKey: all }),
  });
  const list = blocks.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <section className={styles.log} aria-label={words.blocks}>
      <div role="status">{removing.isSuccess && <p className={styles.done}>{words.unblocked}</p>}</div>
      {removing.isError && <Failure error={removing.error} />}
      {blocks.isPending && <Skeleton cards={1} />}
      {blocks.isError && <Failure error={blocks.error} stale={!!blocks.data} retry={() => void blocks.refetch()} />}
      {blocks.isSuccess && list.length === 0 && !blocks.hasNextPage && (
        <Notice look="empty">
          <h2>{words.noBlocks}</h2>
          <p>{words.noBlocksHint}</p>
        </Notice>
      )}
      <ol className={styles.entries}>
        {list.map((block) => (
          <li key={block.id}>
            <BlockView block={block} />
            <div className={styles.actions}>
              <Button
                aria-label={`${words.unblock}: ${words.blocked(block)}`}
                busy={removing.isPending && removing.variables === block.id}
                onClick={() => {
                  removing.mutate(block.id);
                }}
              >
                {words.unblock}
              </Button>
            </div>
          </li>
        ))}
      </ol>
      {blocks.hasNextPage && (
        <Button busy={blocks.isFetchingNextPage} onClick={() => void blocks.fetchNextPage()}>
          {words.moreBlocks}
        </Button>
      )}
    </section>
  );
}

function BlockView({ block }: { block: Block }) {
  const { by, time, until, reason, note, keys, commentId } = block;
  return (
    <>
      <p className={styles.content}>{words.blocked(block)}</p>
      <div className={styles.line}>
        <span>{words.by(by)}</span>
        <Moment at={time} />
        {until !== undefined && (
          <span>
            {words.until} <Moment at={until} />
          </span>
        )}
        <Link to={`/moderation/log?comment=${encodeURIComponent(commentId)}`}>{words.toComment}</Link>
      </div>
      <p className={styles.why}>{[reason, note].filter(Boolean).join(' · ')}</p>
      <p className={styles.why}>
        {words.key} <code>{keys[0]}</code>
      </p>
    </>
  );
}
