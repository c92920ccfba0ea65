interface Thing {
  id: string;
  createdAt: string;
}

/** The order of the things in a list; no two are in the same place. */
export type Order = (a: Thing, b: Thing) => number;

export const oldestFirst: Order = (a, b) => timeOf(a) - timeOf(b) || (a.id < b.id ? -1 : 1);
export const newestFirst: Order = (a, b) => oldestFirst(b, a);

const timeOf = (thing: Thing) => Date.parse(thing.createdAt);
