import { Component, type ReactNode } from 'react';

import { Failure } from '@/components/Notice';

interface Props {
  /** What is shown: when it is another, it has not failed yet. */
  of?: string;
  children: ReactNode;
}

interface State {
  of: string | undefined;
  error: unknown;
}

/** What is shown when the page itself fails, in place of nothing at all. */
export class Boundary extends Component<Props, State> {
  override state: State = { of: this.props.of, error: undefined };

  static getDerivedStateFromError(error: unknown): Partial<State> {
    return { error };
  }

  static getDerivedStateFromProps({ of }: Props, state: State): State | null {
    return of === state.of ? null : { of, error: undefined };
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
