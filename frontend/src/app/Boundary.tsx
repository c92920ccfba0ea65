import { Component, type ReactNode } from 'react';

import { Failure } from '@/components/Notice';

/** What is shown when the page itself fails, in place of nothing at all. */
export class Boundary extends Component<{ children: ReactNode }, { error: unknown }> {
  override state: { error: unknown } = { error: undefined };

  static getDerivedStateFromError(error: unknown) {
    return { error };
  }

  override render() {
    if (this.state.error === undefined) return this.props.children;
    return (
      <Failure
        error={this.state.error}
        retry={() => {
          location.reload();
        }}
      />
    );
  }
}
