import { useCallback, useState, type RefCallback } from 'react';

/**
 * What the texts of one page may weigh together as Markdown: some seconds of work of a
 * slow machine at worst. What is beyond is shown as it was written, until somebody asks.
 */
export const budget = 400_000;

/** A mark costs the parser many times what a letter does. */
const perMark = 50;

export function weigh(text: string): number {
  return text.length + perMark * (text.match(/[*_~`<>[\]|]/g)?.length ?? 0);
}

/** A text up to this weight is formatted at once: a hundred of them are one page's worth. */
const small = budget / 100;

/** The weights of the texts on the page that are formatted. */
const weights = new Map<object, number>();

/** Takes room for a text, if there is any. The first one has it whatever it weighs. */
function reserve(holder: object, weight: number): boolean {
  const used = [...weights.values()].reduce((sum, each) => sum + each, 0);
  if (used > 0 && used + weight > budget) return false;
  weights.set(holder, weight);
  return true;
}

/**
 * Whether a text may be shown as Markdown. It takes its room when the element with the
 * ref is on the page, before anybody sees it, and makes room when that goes.
 */
export function useBudget(text: string): { fits: boolean; ref: RefCallback<HTMLElement> } {
  const weight = weigh(text);
  const [fits, setFits] = useState(weight <= small);
  const ref = useCallback(() => {
    const holder = {};
    setFits(reserve(holder, weight));
    return () => {
      weights.delete(holder);
    };
  }, [weight]);
  return { fits, ref };
}
