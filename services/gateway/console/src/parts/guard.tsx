// A fault of a view, or of a part of one, is shown in its place; what is around it stays.

import { Component, type ComponentChildren } from "preact";

export class Guard extends Component<{ children: ComponentChildren }, { error: Error | null }> {
  override state = { error: null as Error | null };

  override componentDidCatch(error: Error): void {
    this.setState({ error });
  }

  render(): ComponentChildren {
    const { error } = this.state;
    return error ? (
      <p class="problem" role="alert">
        This view broke: {error.message}. <button onClick={() => this.setState({ error: null })}>Show it again</button>
      </p>
    ) : (
      this.props.children
    );
  }
}
