import { useMutation, useQuery } from '@tanstack/react-query';

import { Badge } from '@/components/Badge';
import { Button } from '@/components/Button';
import { Field } from '@/components/Field';
import { Failure, Notice } from '@/components/Notice';
import { Skeleton } from '@/components/Skeleton';
import { limits } from '@/lib/api';
import { useKept } from '@/lib/drafts';
import { text } from '@/lib/text';

import { check, rulesQuery, type Rule } from './api';
import styles from './RulesView.module.css';

const words = text.moderation;

/** The rules in force, and a box to try a text on them. */
export function RulesView() {
  const { data, error, isPending, refetch } = useQuery(rulesQuery);
  return (
    <section className={styles.page} aria-label={words.rules}>
      <Try />
      {isPending && <Skeleton />}
      {error && <Failure error={error} stale={!!data} retry={() => void refetch()} />}
      {data && (
        <>
          <h2>{words.inForce}</h2>
          {data.error && (
            <Notice look="bad">
              <p>{words.wrongFile}</p>
              <p>{data.error}</p>
            </Notice>
          )}
          <ol className={styles.rules}>
            {data.rules.map((rule) => (
              <RuleView key={rule.name} rule={rule} />
            ))}
          </ol>
          <p className={styles.otherwise}>{words.otherwise(data.otherwise)}</p>
        </>
      )}
    </section>
  );
}

function RuleView({ rule: { name, then, reason, note, ...conditions } }: { rule: Rule }) {
  return (
    <li className={styles.rule}>
      <h3>{name}</h3>
      <dl>
        {Object.entries(conditions).map(([condition, value]) => (
          <div key={condition}>
            <dt>{words.conditions[condition] ?? condition}</dt>
            <dd>{[value].flat().join(', ')}</dd>
          </div>
        ))}
        <div>
          <dt>{words.then}</dt>
          <dd>{[then, reason, note].filter(Boolean).join(' · ')}</dd>
        </div>
      </dl>
    </li>
  );
}

/** A text is tried as if somebody of whom nothing is known had written it. */
function Try() {
  const { draft, change } = useKept('try', { content: '', author: '' });
  const attempt = useMutation({ mutationFn: () => check(draft.content, draft.author), networkMode: 'always' });
  const { data } = attempt;
  return (
    <form
      className={styles.try}
      aria-label={words.try}
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        attempt.mutate();
      }}
    >
      <h2>{words.try}</h2>
      <Field
        name="content"
        label={words.tryText}
        rows={2}
        value={draft.content}
        limit={limits.content}
        onChange={(value) => {
          change('content', value);
        }}
      />
      <div className={styles.foot}>
        <Button type="submit" look="main" busy={attempt.isPending}>
          {words.tryIt}
        </Button>
        <p role="status">
          {data && (
            <>
              {data.status ? <Badge status={data.status} /> : words.otherwise(data.otherwise ?? '')}{' '}
              {[data.rule ? words.rule(data.rule) : words.noRule, data.reason, data.note].filter(Boolean).join(' · ')}
            </>
          )}
        </p>
      </div>
      {attempt.error && <Failure error={attempt.error} />}
    </form>
  );
}
