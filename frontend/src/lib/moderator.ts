import { stored, useStored } from './storage';

/** The token that a moderator has signed in with, '' for none. */
export const moderatorToken = stored('moderator', (value) => (typeof value === 'string' ? value : ''));

/** Who that is, as the log names them, '' as long as it is not known. */
export const moderatorName = stored('moderator-name', (value) => (typeof value === 'string' ? value : ''));

/** The token of the administrator, who may delete everything, if that is who has signed in. */
export function useAdminToken(): string | undefined {
  const token = useStored(moderatorToken);
  const name = useStored(moderatorName);
  return token && name === 'admin' ? token : undefined;
}
