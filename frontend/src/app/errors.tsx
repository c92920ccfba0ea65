import { Failure } from '@/components/Notice';
import { Nothing } from '@/components/Nothing';
import { text } from '@/lib/text';

/** An address that is no page's. */
export function NoPage() {
  return <Nothing>{text.pageGone}</Nothing>;
}

/** What is left when the page itself fails. */
export function Broken() {
  return (
    <Failure
      error={undefined}
      retry={() => {
        location.reload();
      }}
    />
  );
}
