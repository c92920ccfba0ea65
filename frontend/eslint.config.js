import js from '@eslint/js';
import hooks from 'eslint-plugin-react-hooks';
import { defineConfig, globalIgnores } from 'eslint/config';
import tseslint from 'typescript-eslint';

import boundaries from './eslint.boundaries.js';

export default defineConfig(
  globalIgnores(['dist', 'node_modules', '.node', 'src/lib/openapi']),
  js.configs.recommended,
  tseslint.configs.strictTypeChecked,
  tseslint.configs.stylisticTypeChecked,
  hooks.configs.flat['recommended-latest'],
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      // Text is never HTML here: what people write is shown as they wrote it.
      'no-restricted-syntax': [
        'error',
        { selector: "JSXAttribute[name.name='dangerouslySetInnerHTML']", message: 'Raw HTML is never rendered.' },
        {
          // In a URL a space is %20 and é is %C3%A9, which is no file's name.
          selector: "MemberExpression[property.name='pathname'][object.type='NewExpression'][object.callee.name='URL']",
          message: 'Use fileURLToPath: the path of a URL is not a file name.',
        },
      ],
    },
  },
  boundaries,
);
