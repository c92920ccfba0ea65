import { stored } from './storage';

/** The token that a moderator has signed in with, '' for none. */
export const moderatorToken = stored('moderator', (value) => (typeof value === 'string' ? value : ''));
