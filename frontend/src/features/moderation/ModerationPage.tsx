import { useQuery, useQueryClient } from '@tanstack/react-query';
import { NavLink, Route, Routes } from 'react-router';

import { Button } from '@/components/Button';
import { Nothing } from '@/components/Nothing';
import { Failure } from '@/components/Notice';
import { Skeleton } from '@/components/Skeleton';
import { ApiError } from '@/lib/http';
import { moderatorToken } from '@/lib/moderator';
import { useStored } from '@/lib/storage';
import { text } from '@/lib/text';

import { isRefused, signIn, summaryQuery } from './api';
import { Blocks } from './Blocks';
import { Log } from './Log';
import styles from './ModerationPage.module.css';
import { Queue } from './Queue';
import { RulesView } from './RulesView';
import { SignIn } from './SignIn';
import { TakeDown } from './TakeDown';

/** What moderators do. Who is not let in signs in, and then is where they wanted to be. */
export default function ModerationPage() {
  const client = useQueryClient();
  const summary = useQuery(summaryQuery);
  const signedIn = useStored(moderatorToken) !== '';
  const words = text.moderation;
  if (isRefused(summary.error)) return <SignIn refused={refusal(summary.error, signedIn)} />;
  if (summary.isPending) return <Skeleton />;
  return (
    <div className={styles.page}>
      <title>{`${words.title} · ${text.name}`}</title>
      <div className={styles.head}>
        <h1>{words.title}</h1>
        {summary.data && (
          <p>
            {words.you(summary.data.you)}
            {signedIn && <Button onClick={() => void signIn(client, '')}>{words.signOut}</Button>}
          </p>
        )}
      </div>
      <nav className={styles.tabs} aria-label={words.title}>
        <NavLink to="/moderation" end>
          {words.queue}
          {summary.data && summary.data.held > 0 && <span className={styles.count}>{summary.data.held}</span>}
        </NavLink>
        <NavLink to="/moderation/log">{words.log}</NavLink>
        <NavLink to="/moderation/blocks">{words.blocks}</NavLink>
        <NavLink to="/moderation/rules">{words.rules}</NavLink>
      </nav>
      {summary.error && <Failure error={summary.error} stale={!!summary.data} retry={() => void summary.refetch()} />}
      <Routes>
        <Route index element={<Queue overdue={summary.data?.overdue ?? false} you={summary.data?.you} />} />
        <Route path="log" element={<Log />} />
        <Route path="blocks" element={<Blocks />} />
        <Route path="posts/:id" element={<TakeDown />} />
        <Route path="rules" element={<RulesView />} />
        <Route path="*" element={<Nothing>{text.pageGone}</Nothing>} />
      </Routes>
    </div>
  );
}

/** Why a moderator is not let in, if they have tried. Whether a token would help at all, the services know. */
function refusal(error: Error | null, signedIn: boolean): string | undefined {
  if (error instanceof ApiError && error.status === 403) return error.message;
  return signedIn ? text.moderation.refused : undefined;
}
