import { createContext } from 'react';

/** Whether the form around is on its way: its fields can be read then, and not changed. */
export const Sending = createContext(false);
