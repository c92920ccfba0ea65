// Who may import whom: app → features → components → lib, and no feature another.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

const features = readdirSync(join(import.meta.dirname, 'src/features'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map((entry) => entry.name);

/**
 * @param {string} files
 * @param {string} folders a regular expression for the folders below src
 * @param {string} message
 * @returns {import('eslint').Linter.Config}
 */
const forbid = (files, folders, message) => ({
  files: [files],
  rules: {
    'no-restricted-imports': [
      'error',
      { patterns: [{ regex: `(^@/|^(\\.\\./)+(src/)?)(${folders})(/|$)`, message }] },
    ],
  },
});

/** @type {import('eslint').Linter.Config[]} */
export default [
  ...features.map((feature) => {
    const others = features.filter((other) => other !== feature).join('|');
    return forbid(
      `src/features/${feature}/**`,
      `app|(features/)?(${others})`,
      'A feature imports components and lib only: what two features share belongs there.',
    );
  }),
  forbid('src/components/**', 'app|features', 'Components import lib only.'),
  forbid('src/lib/**', 'app|features|components', 'lib imports nothing of the page.'),
];
