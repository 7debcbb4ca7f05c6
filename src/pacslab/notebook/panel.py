"""The control panel: buttons for the servers, their state, points, time left, and the last action's result."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import ipywidgets as widgets

from pacslab.notebook import html_views
from pacslab.notebook.error_box import explain
from pacslab.notebook.progress import Bar

if TYPE_CHECKING:
    from collections.abc import Callable

    from pacslab.session import Session

    ProgressCall = Callable[[str, float], None]

_REFRESH = 30.0  # seconds
_BUTTONS = (  # colours on which white letters can be read (WCAG AA: contrast of 4.5 and more)
    ("start", "Start", "play", "#0b6b3a", "Start the servers, or find them again"),
    ("restart", "Restart", "refresh", "#0a5c7a", "Start the archive again with your orthanc.json; its data stays"),
    ("assess", "Assess", "search", "#0b57a4", "Attack the archive and live the hospital's day"),
    ("reset", "Reset", "undo", "#7a4b00", "Bring back data and configuration as shipped"),
    ("stop", "Stop", "stop", "#a11212", "End every server; your files stay"),
)
_QUESTION = (
    "<p>Reset brings back the data and the configuration as shipped. Your files are kept beside them as "
    "<code>before-reset.*</code>. Do you want that?</p>"
)


def _button(words: str, icon: str, colour: str, tip: str = "") -> widgets.Button:
    style = {"button_color": colour, "text_color": "#ffffff"}
    return widgets.Button(description=words, icon=icon, style=style, tooltip=tip, layout={"width": "auto"})


class Panel(widgets.VBox):  # type: ignore[misc]
    """The control panel of a session."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._closing = threading.Event()
        self._busy = threading.Lock()
        self.buttons = {name: _button(words, icon, colour, tip) for name, words, icon, colour, tip in _BUTTONS}
        for name, button in self.buttons.items():
            button.on_click(lambda _button, name=name: self.press(name))
        self.sure = _button("Yes, reset", "check", "#7a4b00")
        self.keep = _button("No, keep my work", "times", "#4a4f57")
        self.sure.on_click(lambda _button: self._run(self._reset))
        self.keep.on_click(lambda _button: self._say("<p>Nothing was changed.</p>"))
        self._question = widgets.VBox([widgets.HTML(_QUESTION), widgets.HBox([self.sure, self.keep])])
        self._question.layout.display = "none"
        self.bar = widgets.FloatProgress(min=0.0, max=1.0, layout=widgets.Layout(width="22rem"))
        self._step = widgets.Label()
        self._progress = widgets.HBox([self.bar, self._step])
        self._progress.layout.display = "none"
        self.message = widgets.HTML()
        self.overview = widgets.HTML()
        super().__init__(
            [self.overview, widgets.HBox(list(self.buttons.values())), self._question, self._progress, self.message]
        )
        self.layout.max_width = "64rem"
        self.refresh()
        threading.Thread(target=self._keep_fresh, name="pacslab-panel", daemon=True).start()

    def refresh(self) -> None:
        """Refresh the servers' state, the time left and the points."""
        now = self._session.status()
        self.overview.value = html_views.status(now, self._session.score, new_tab=True)
        running = bool(now.servers)
        for name, button in self.buttons.items():
            button.disabled = running if name == "start" and now.running else (name != "start" and not running)

    def press(self, name: str) -> None:
        """Run a button's action; Reset asks first."""
        if name == "reset":
            self._say("")
            self._question.layout.display = ""
            return
        self._run({"start": self._start, "restart": self._restart, "assess": self._assess, "stop": self._stop}[name])

    def _start(self, progress: ProgressCall) -> str:
        self._session.start(progress)
        return "<p>✓ The hospital's network is running.</p>"

    def _restart(self, progress: ProgressCall) -> str:
        self._session.restart(progress)
        return "<p>✓ The archive runs with your configuration.</p>"

    def _reset(self, progress: ProgressCall) -> str:
        self._session.reset(progress)
        return "<p>✓ Data and configuration are as shipped.</p>"

    def _assess(self, progress: ProgressCall) -> str:
        return html_views.assessment(self._session.assess(progress))

    def _stop(self, _progress: ProgressCall) -> str:
        return f"<p>✓ Ended {self._session.stop()} servers. Your files and points are kept.</p>"

    def _run(self, act: Callable[[ProgressCall], str]) -> None:
        if not self._busy.acquire(blocking=False):
            return
        try:
            self._say("")
            for button in self.buttons.values():
                button.disabled = True
            self._progress.layout.display = ""
            self._draw("Working", 0.0)
            try:
                result = act(Bar(self._draw))
            except Exception as error:  # noqa: BLE001 - whatever it is, a student reads it in the panel
                result = html_views.trouble(explain(error))
            self._say(result)
        finally:
            self._progress.layout.display = "none"
            self._busy.release()
            self.refresh()

    def _draw(self, text: str, part: float) -> None:
        self.bar.value, self._step.value = part, f"{text} …"

    def _say(self, html: str) -> None:
        self._question.layout.display = "none"
        self.message.value = html

    def _keep_fresh(self) -> None:
        while not self._closing.wait(_REFRESH):
            if self._busy.acquire(blocking=False):
                try:
                    self.refresh()
                finally:
                    self._busy.release()

    def close(self) -> None:
        """Take the panel away; the servers go on."""
        self._closing.set()
        super().close()

    def _repr_mimebundle_(self, **options: Any) -> Any:
        bundle = super()._repr_mimebundle_(**options)
        if isinstance(bundle, dict):
            bundle["text/plain"] = "The control panel; it shows in JupyterLab while the kernel runs."
        return bundle
